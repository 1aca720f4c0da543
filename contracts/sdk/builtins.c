// SPDX-License-Identifier: Apache-2.0
// What the compiler's own 128-bit helpers expect of a C library on wasm32: the Debian package builds some of them with
// the stack protector.
#include <stdint.h>

#ifdef __wasm__
extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard = 0x595e9fbd;
_Noreturn void __stack_chk_fail(void);
_Noreturn void __stack_chk_fail(void) { __builtin_trap(); }
#endif
