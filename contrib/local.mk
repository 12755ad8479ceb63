EXTRA_DIST += contrib/check contrib/grafana/picosnitch.json contrib/cross-arm64 contrib/packages.sh contrib/quickstart
