EXTRA_DIST += contrib/check contrib/grafana/picosnitch.json contrib/cross-arm64 contrib/packages.sh contrib/quickstart \
	contrib/pictures/demo.py contrib/pictures/make contrib/pictures/svg.py \
	contrib/pictures/dash-dark.png contrib/pictures/dash-light.png contrib/pictures/top.svg contrib/pictures/view.svg
