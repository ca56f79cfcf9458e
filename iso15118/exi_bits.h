/* SPDX-License-Identifier: Apache-2.0 */
/* Bits of an EXI stream. The reader never looks at an octet outside its input: every read compares
 * with the bits left first. The writer fills memory that its caller has sized. */
#ifndef ISO15118_EXI_BITS_H
#define ISO15118_EXI_BITS_H

#include "base/buf.h"

struct exi_reader {
	const uint8_t *p;
	size_t octets;
	size_t pos; /* bits read */
	size_t end; /* bits in all */
};

void exi_reader_init(struct exi_reader *r, struct span in);

/* The next n bits (0..32), most significant first; false, and nothing read, when fewer are left. */
bool exi_read_bits(struct exi_reader *r, unsigned n, uint32_t *out) MUST_CHECK;

/* n octets that need not be aligned; false, and nothing read, when fewer are left. */
bool exi_read_octets(struct exi_reader *r, uint8_t *out, size_t n) MUST_CHECK;

enum exi_uint_error { EXI_UINT_OK, EXI_UINT_END, EXI_UINT_LONG, EXI_UINT_PADDED };

/* An EXI unsigned integer of at most max_octets (1..10) 7-bit octets, in its shortest form only. */
enum exi_uint_error
exi_read_uint(struct exi_reader *r, unsigned max_octets, uint64_t *out) MUST_CHECK;

/* The same of any size up to max_octets, as septets, least significant first. */
enum exi_uint_error
exi_read_septets(struct exi_reader *r, unsigned max_octets, uint8_t *out, size_t *n) MUST_CHECK;

struct exi_writer {
	uint8_t *p;
	size_t n;      /* whole octets written */
	uint64_t acc;  /* the bits after them, at the low end */
	unsigned held; /* 0..7 */
};

void exi_write_bits(struct exi_writer *w, unsigned n, uint32_t v); /* n 0..32 */
void exi_write_octets(struct exi_writer *w, struct span s);
void exi_write_uint(struct exi_writer *w, uint64_t v);
/* Zero bits up to the next octet. */
void exi_write_pad(struct exi_writer *w);

/* XML 1.0 2.2 Char: the code points that an XML document, and so an EXI string, can hold. */
bool exi_is_xml_char(uint64_t c);

#endif
