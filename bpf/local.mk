# clang -> object -> one object without debug sections -> skeleton. CO-RE: kernel types are in
# kernel_types.h, so no kernel's BTF is needed here, and no compiler where it runs.
bpf_h = bpf/account.h bpf/call.h bpf/channels.h bpf/connection.h bpf/evidence.h bpf/fexit.h bpf/flows.h \
	bpf/kernel_types.h bpf/listeners.h bpf/lookup.h bpf/maps.h bpf/notes.h bpf/process.h bpf/stand_in.h bpf/tracepoint.h bpf/tun.h bpf/wire.h
bpf_c = bpf/picosnitch.bpf.c
EXTRA_DIST += $(bpf_c) $(bpf_h)

bpf_v = $(bpf_v_@AM_V@)
bpf_v_ = $(bpf_v_@AM_DEFAULT_V@)
bpf_v_0 = @echo "  BPF      $@";

bpf/picosnitch.bpf.o: $(bpf_c) $(bpf_h)
	@$(MKDIR_P) bpf
	$(bpf_v)$(BPF_CLANG) -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) $(BPF_CPPFLAGS) \
		-Wall -Wextra -Wno-unused-parameter -Werror -I$(top_srcdir)/bpf $(LIBBPF_CFLAGS) \
		-c $(top_srcdir)/$(bpf_c) -o $@

bpf/picosnitch.skel.h: bpf/picosnitch.bpf.o
	$(bpf_v)$(BPFTOOL) gen object bpf/picosnitch.gen.o $< && \
		$(BPFTOOL) gen skeleton bpf/picosnitch.gen.o name picosnitch_bpf >$@.tmp && mv $@.tmp $@

BUILT_SOURCES += bpf/picosnitch.skel.h
CLEANFILES += bpf/picosnitch.bpf.o bpf/picosnitch.gen.o bpf/picosnitch.skel.h bpf/picosnitch.skel.h.tmp
