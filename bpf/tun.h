/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames that a program writes to a tun or tap device: they pass no socket. The kernel takes them
 * in as if they had come from a cable, while the program is still in its call.
 */
#ifndef PS_BPF_TUN_H
#define PS_BPF_TUN_H

#include "account.h"

SEC("tp_btf/netif_receive_skb_entry")
int BPF_PROG(on_frame, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct wire_flow_key key;
	char kind[4] = "";

	if (bpf_probe_read_kernel(kind, sizeof(kind), dev->rtnl_link_ops->kind) || kind[0] != 't' || kind[1] != 'u' ||
	    kind[2] != 'n' || kind[3])
		return 0;
	__builtin_memset(&key, 0, sizeof(key));
	current_image(&key.image, &key.uid);
	key.netns = dev->nd_net.net->ns.inum;
	key.family = WIRE_FAMILY_TUN;
	key.portless = 1;
	key.protocol = bpf_ntohs(skb->protocol);
	/* An Ethernet header has been taken off by now. */
	flow_add(flow_find(IN_KERNEL, 0, &key), SENT, skb->len + (dev->type == ARPHRD_ETHER ? ETH_HLEN : 0));
	return 0;
}

#endif
