/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: libsystemd, loaded when a container's cgroup is systemd's: the functions of sd-bus that systemd.c uses, as a table.
 * Its interface is old and does not change, so its headers are not needed to build.  */
#ifndef ORLOP_CGROUP_SDBUS_H
#define ORLOP_CGROUP_SDBUS_H

#include <stdint.h>

struct err;

/* sd_bus_error (sd-bus.h).  */
struct sdbus_error
{
  const char *name, *message;
  int need_free;
};

#define SDBUS_ERROR_NONE { .name = NULL }

/* The library's functions: sd_bus_new is NEW, sd_bus_message_read MESSAGE_READ, and so on.  A bus and a message are opaque.  */
struct sdbus
{
  void *handle;
  int (*new) (void **ret_bus);
  int (*set_address) (void *bus, const char *address);
  int (*start) (void *bus);
  int (*open_system) (void **ret_bus);
  int (*open_user) (void **ret_bus);
  int (*is_bus_client) (void *bus);
  void *(*flush_close_unref) (void *bus);
  int (*call) (void *bus, void *message, uint64_t usec, struct sdbus_error *ret_error, void **ret_reply);
  int (*process) (void *bus, void **ret_message);
  int (*wait) (void *bus, uint64_t usec);
  int (*message_new_method_call) (void *bus, void **ret_message, const char *destination, const char *path, const char *interface,
                                  const char *member);
  int (*message_append_basic) (void *message, char type, const void *value);
  int (*message_open_container) (void *message, char type, const char *contents);
  int (*message_close_container) (void *message);
  int (*message_enter_container) (void *message, char type, const char *contents);
  int (*message_exit_container) (void *message);
  int (*message_at_end) (void *message, int complete);
  int (*message_read_basic) (void *message, char type, void *ret_value);
  int (*message_is_signal) (void *message, const char *interface, const char *member);
  void *(*message_unref) (void *message);
  void (*error_free) (struct sdbus_error *error);
};

/* Loads the library.  Returns 0, or -ENOTSUP: there is none that fits.  */
int sdbus_open (struct sdbus *lib, struct err *err);

/* Unloads it.  */
void sdbus_close (struct sdbus *lib);

#endif
