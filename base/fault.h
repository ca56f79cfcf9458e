/* SPDX-License-Identifier: Apache-2.0 */
/* Named points at which a test build (-Dtest_hooks=true) can kill or delay itself, so that the
 * tests can stop the process between any two durable steps. Release builds contain nothing.
 * $V2GPKI_FAULT is NAME:ACTION[:N]: ACTION is kill (SIGKILL) or sleepMS; N: at its Nth passing. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#ifdef TEST_HOOKS
void fault_point(const char *name);
#else
static inline void
fault_point(const char *name)
{
	(void)name; /* nothing to do in a release build */
}
#endif

#endif
