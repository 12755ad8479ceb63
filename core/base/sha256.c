/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/base/sha256.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/mem.h"

#define READ_SIZE (128 * 1024)

static EVP_MD *sha256;

static void fetch(void)
{
	/* Without a provider for SHA-256 there is no installation of OpenSSL to speak of. */
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256)
		abort();
}

/* Fetched once: EVP_sha256() would be looked up again for each digest, which takes longer than a short one. */
static const EVP_MD *algorithm(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch);
	return sha256;
}

void sha256_bytes(const void *data, size_t len, uint8_t out[SHA256_SIZE])
{
	if (!EVP_Digest(data, len, out, NULL, algorithm(), NULL))
		abort();
}

int sha256_file(int fd, uint8_t out[SHA256_SIZE], const atomic_bool *cancel)
{
	return sha256_bounded(fd, UINT64_MAX, out, cancel);
}

int sha256_bounded(int fd, uint64_t most, uint8_t out[SHA256_SIZE], const atomic_bool *cancel)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *block = mem_alloc(READ_SIZE);
	off_t at = 0;
	int err = 0;

	if (!ctx || !EVP_DigestInit_ex(ctx, algorithm(), NULL))
		abort();
	for (;;) {
		ssize_t n = pread(fd, block, READ_SIZE, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err = -errno;
			goto out;
		}
		if (n == 0)
			break;
		if (cancel && *cancel) {
			err = -ECANCELED;
			goto out;
		}
		EVP_DigestUpdate(ctx, block, (size_t)n);
		at += n;
		if ((uint64_t)at > most) {
			err = -EFBIG;
			goto out;
		}
	}
	EVP_DigestFinal_ex(ctx, out, NULL);
out:
	EVP_MD_CTX_free(ctx);
	free(block);
	return err;
}
