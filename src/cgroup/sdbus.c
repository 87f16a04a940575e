/* SPDX-License-Identifier: Apache-2.0 */
/* Loading libsystemd; see sdbus.h.  */
#include "cgroup/sdbus.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

static const char soname[] = "libsystemd.so.0";

#define SYMBOL(name) { "sd_bus_" #name, offsetof (struct sdbus, name) }

static const struct
{
  const char *name;
  size_t at;
} symbols[] = {
  SYMBOL (new),
  SYMBOL (set_address),
  SYMBOL (start),
  SYMBOL (open_system),
  SYMBOL (open_user),
  SYMBOL (is_bus_client),
  SYMBOL (flush_close_unref),
  SYMBOL (call),
  SYMBOL (process),
  SYMBOL (wait),
  SYMBOL (message_new_method_call),
  SYMBOL (message_append_basic),
  SYMBOL (message_open_container),
  SYMBOL (message_close_container),
  SYMBOL (message_enter_container),
  SYMBOL (message_exit_container),
  SYMBOL (message_at_end),
  SYMBOL (message_read_basic),
  SYMBOL (message_is_signal),
  SYMBOL (message_unref),
  SYMBOL (error_free),
};

int
sdbus_open (struct sdbus *lib, struct err *err)
{
  *lib = (struct sdbus){ .handle = dlopen (soname, RTLD_NOW | RTLD_LOCAL) };
  if (lib->handle == NULL)
    {
      const char *why = dlerror ();

      return err_host (err, ENOTSUP, "the cgroup driver \"systemd\" needs %s (Debian's package libsystemd0, elsewhere systemd-libs), which cannot be loaded: %s",
                       soname, why ? why : "no reason given");
    }
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
    {
      void *found = dlsym (lib->handle, symbols[i].name);

      if (found == NULL)
        {
          sdbus_close (lib);
          return err_host (err, ENOTSUP, "%s is too old: it has no %s (version 240 has)", soname, symbols[i].name);
        }
      memcpy ((char *) lib + symbols[i].at, &found, sizeof found);
    }
  return 0;
}

void
sdbus_close (struct sdbus *lib)
{
  if (lib->handle)
    (void) dlclose (lib->handle);
  lib->handle = NULL;
}
