# installed configuration
