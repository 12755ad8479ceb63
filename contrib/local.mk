EXTRA_DIST += contrib/check contrib/cross-arm64 contrib/packages.sh contrib/quickstart
