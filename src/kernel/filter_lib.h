/* SPDX-License-Identifier: Apache-2.0 */
/* libseccomp, loaded when it is needed: the functions of it that filter.c uses, as a table.  Nobody else includes <seccomp.h>.  Parent only */
#ifndef ORLOP_KERNEL_FILTER_LIB_H
#define ORLOP_KERNEL_FILTER_LIB_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum
{
  FILTER_LIB_UNKNOWN = -1, /* number of a call that the library has never heard of */
  FILTER_LIB_OPTIMIZE = 8  /* SCMP_FLTATR_CTL_OPTIMIZE */
};

/* struct scmp_arg_cmp.  */
struct filter_lib_arg
{
  unsigned index;
  int op;
  uint64_t a, b;
};

/* The library's functions; seccomp_init is INIT, and so on.  Their contexts are opaque.  */
struct filter_lib
{
  void *handle;
  char path[256]; /* the file that was loaded */
  int (*api_set) (unsigned level);
  void *(*init) (uint32_t default_action);
  void (*release) (void *context);
  uint32_t (*arch_native) (void);
  uint32_t (*arch_resolve_name) (const char *name);
  int (*arch_add) (void *context, uint32_t arch);
  int (*attr_set) (void *context, int attribute, uint32_t value);
  int (*syscall_resolve_name) (const char *name);
  int (*syscall_resolve_name_arch) (uint32_t arch, const char *name);
  char *(*syscall_resolve_num_arch) (uint32_t arch, int number);
  int (*rule_add_array) (void *context, uint32_t action, int syscall, unsigned n, const struct filter_lib_arg *args);
  int (*export_bpf) (void *context, int fd);
};

/* Loads the library.  -ENOTSUP: there is none, or this program was built to do without.  Returns 0 or negative errno.  */
int filter_lib_open (struct filter_lib *lib, struct err *err);

/* Unloads it.  */
void filter_lib_close (struct filter_lib *lib);

/* What the kernel calls architecture TOKEN of the library: two have a token of their own and a name of the kernel's in common.  */
void filter_lib_arch (uint32_t token, uint32_t *ret_arch, bool *ret_x32, bool *ret_call_0_too);

#endif
