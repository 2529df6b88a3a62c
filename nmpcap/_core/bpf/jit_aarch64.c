/* AArch64. */
#if defined(__aarch64__)
#endif
typedef int nm_jit_aarch64_elsewhere; /* ISO C wants a translation unit to hold something */
