EXTRA_DIST += contrib/check contrib/packages.sh contrib/quickstart
