# set-up scripts
