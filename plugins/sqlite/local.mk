# see plugins/local.mk
