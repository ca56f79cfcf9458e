/* SPDX-License-Identifier: Apache-2.0 */
/* The one function of a fuzz target: libFuzzer calls it with inputs of its own, main.c with those
 * of the corpus. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
