# clang -> object -> one object without debug sections -> skeleton. CO-RE: kernel types are in
# kernel_types.h, so no kernel's BTF is needed here.
bpf_h = bpf/kernel_types.h bpf/wire.h
bpf_c = bpf/picosnitch.bpf.c
EXTRA_DIST += $(bpf_c) $(bpf_h)
