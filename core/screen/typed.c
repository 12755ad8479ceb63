/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/screen/typed.h"

#include <limits.h>
#include <string.h>
#include <wchar.h>

#include "core/screen/press.h"

enum typed_state typed_key(struct typed *t, uint32_t press)
{
	size_t len = strlen(t->text), n;
	char bytes[MB_LEN_MAX];
	mbstate_t state = {0};

	if (press == PRESS_ENTER)
		return TYPED_DONE;
	if (press == PRESS_ESCAPE)
		return TYPED_GIVEN_UP;
	if (press == PRESS_BACKSPACE) {
		/* The last whole character. */
		while (len && (t->text[--len] & 0xc0) == 0x80)
			;
		t->text[len] = 0;
	} else if (press >= ' ' && press < PRESS_UP) {
		n = wcrtomb(bytes, (wchar_t)press, &state);
		if (n != (size_t)-1 && len + n <= TYPED_MAX) {
			memcpy(t->text + len, bytes, n);
			t->text[len + n] = 0;
		}
	}
	return TYPED_ON;
}
