/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lives about a millisecond: sends one datagram of 8 bytes to ADDR PORT, and ends. Without arguments, it ends. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd;
	if (argc == 1)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (argc < 3 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	return sendto(fd, "blinking", 8, 0, (struct sockaddr *)&to, sizeof to) != 8;
}
