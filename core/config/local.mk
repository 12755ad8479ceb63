# see core/local.mk
