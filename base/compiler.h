/* SPDX-License-Identifier: Apache-2.0 */
/* Compiler attributes under names that say what they promise. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define MUST_CHECK           __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, va) __attribute__((format(printf, fmt, va)))
#define NO_RETURN            __attribute__((noreturn))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
