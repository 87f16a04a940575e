/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libseccomp; see filter_lib.h.  The header of it is needed to build, the library only to run.  */
#include "kernel/filter_lib.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#if HAVE_SECCOMP
#include <seccomp.h>

_Static_assert(FILTER_LIB_UNKNOWN == __NR_SCMP_ERROR && FILTER_LIB_OPTIMIZE == (int) SCMP_FLTATR_CTL_OPTIMIZE,
               "numbers of libseccomp");
_Static_assert(sizeof (struct filter_lib_arg) == sizeof (struct scmp_arg_cmp)
                   && offsetof (struct filter_lib_arg, op) == offsetof (struct scmp_arg_cmp, op)
                   && offsetof (struct filter_lib_arg, a) == offsetof (struct scmp_arg_cmp, datum_a)
                   && offsetof (struct filter_lib_arg, b) == offsetof (struct scmp_arg_cmp, datum_b),
               "struct scmp_arg_cmp");
_Static_assert(SCMP_CMP_NE == 1 && SCMP_CMP_EQ == 4 && SCMP_CMP_MASKED_EQ == 7, "enum scmp_compare");

static const char soname[] = "libseccomp.so.2";

enum
{
  /* What we use of the library needs level 5 of its interface (NOTIFY).  Said, so that it does not try out the kernel: whether that has the
   * feature is found when the filter is loaded.  */
  API_LEVEL = 5
};

static const struct
{
  const char *name;
  size_t at;
} symbols[] = {
  { "seccomp_api_set", offsetof (struct filter_lib, api_set) },
  { "seccomp_init", offsetof (struct filter_lib, init) },
  { "seccomp_release", offsetof (struct filter_lib, release) },
  { "seccomp_arch_native", offsetof (struct filter_lib, arch_native) },
  { "seccomp_arch_resolve_name", offsetof (struct filter_lib, arch_resolve_name) },
  { "seccomp_arch_add", offsetof (struct filter_lib, arch_add) },
  { "seccomp_attr_set", offsetof (struct filter_lib, attr_set) },
  { "seccomp_syscall_resolve_name", offsetof (struct filter_lib, syscall_resolve_name) },
  { "seccomp_syscall_resolve_name_arch", offsetof (struct filter_lib, syscall_resolve_name_arch) },
  { "seccomp_syscall_resolve_num_arch", offsetof (struct filter_lib, syscall_resolve_num_arch) },
  { "seccomp_rule_add_array", offsetof (struct filter_lib, rule_add_array) },
  { "seccomp_export_bpf", offsetof (struct filter_lib, export_bpf) },
};

static int
find_symbols (struct filter_lib *lib, struct err *err)
{
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
    {
      void *found = dlsym (lib->handle, symbols[i].name);

      if (found == NULL)
        return err_host (err, ENOTSUP, "%s is too old: it has no %s (version 2.5 has)", soname, symbols[i].name);
      memcpy ((char *) lib + symbols[i].at, &found, sizeof found);
    }
  return 0;
}

int
filter_lib_open (struct filter_lib *lib, struct err *err)
{
  const char *why;
  Dl_info info;
  int ret;

  *lib = (struct filter_lib){ .handle = dlopen (soname, RTLD_NOW | RTLD_LOCAL) };
  if (lib->handle == NULL)
    {
      why = dlerror ();
      return err_host (err, ENOTSUP, "a filter needs %s, which cannot be loaded: %s", soname,
                       why ? why : "no reason given");
    }
  ret = find_symbols (lib, err);
  if (ret < 0)
    {
      filter_lib_close (lib);
      return ret;
    }
  if (dladdr ((void *) (uintptr_t) lib->init, &info) && info.dli_fname)
    (void) str_copy (lib->path, sizeof lib->path, info.dli_fname);
  (void) lib->api_set (API_LEVEL); /* one that does not know the level tries the kernel out */
  return 0;
}

void
filter_lib_close (struct filter_lib *lib)
{
  if (lib->handle)
    (void) dlclose (lib->handle);
  lib->handle = NULL;
}

void
filter_lib_arch (uint32_t token, uint32_t *ret_arch, bool *ret_x32, bool *ret_call_0_too)
{
  *ret_x32 = token == SCMP_ARCH_X32;
  *ret_arch = *ret_x32 ? AUDIT_ARCH_X86_64 : token;
  *ret_call_0_too = token == SCMP_ARCH_S390 || token == SCMP_ARCH_S390X;
}

#else

int
filter_lib_open (struct filter_lib *lib, struct err *err)
{
  *lib = (struct filter_lib){ .handle = NULL };
  return err_host (err, ENOTSUP, "this orlop was built without seccomp");
}

void
filter_lib_close (struct filter_lib *lib)
{
  (void) lib;
}

void
filter_lib_arch (uint32_t token, uint32_t *ret_arch, bool *ret_x32, bool *ret_call_0_too)
{
  *ret_arch = token;
  *ret_x32 = *ret_call_0_too = false;
}
#endif
