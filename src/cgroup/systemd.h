/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: talking to systemd's manager over D-Bus (org.freedesktop.systemd1(5)).  Knows units and properties, no containers.
 * Never waits without an end.  */
#ifndef ORLOP_CGROUP_SYSTEMD_H
#define ORLOP_CGROUP_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;
struct unit_properties;

/* A connection.  */
struct systemd;

/* Connects to the system's manager, or with USER to the caller's own: by the manager's private socket, which
 * needs no message bus and no look-up of names, and else by the system bus or the user's bus ($DBUS_SESSION_BUS_ADDRESS, $XDG_RUNTIME_DIR/bus).
 * Returns 0; -ENOTSUP without libsystemd; or negative errno.  */
int systemd_open (bool user, struct systemd **ret_systemd, struct err *err);

/* Closes it; nothing for NULL.  */
void systemd_close (struct systemd *s);

/* Reads a property of the manager that is a string into BUF.  Returns 0 or negative errno.  */
int systemd_manager_text (struct systemd *s, const char *name, char *buf, size_t size, struct err *err);

/* Reads a property of UNIT that is a string, of the interface for all units, into BUF.  Returns 0, -ENOENT: no such unit is loaded; or negative
 * errno.  */
int systemd_unit_text (struct systemd *s, const char *unit, const char *name, char *buf, size_t size, struct err *err);

/* Makes the transient unit UNIT with PROPS, and waits until it is there.  Returns 0; -EEXIST: there is one of that name; or negative errno.  */
int systemd_start (struct systemd *s, const char *unit, const struct unit_properties *props, struct err *err);

/* Stops UNIT, and waits until it has ended and is forgotten.  One that is not there is success.  Returns 0 or negative errno.  */
int systemd_stop (struct systemd *s, const char *unit, struct err *err);

/* Makes systemd forget that UNIT failed.  One that is not there is success.  Returns 0 or negative errno.  */
int systemd_forget (struct systemd *s, const char *unit, struct err *err);

/* Sets properties of UNIT until it ends.  Returns 0 or negative errno.  */
int systemd_set (struct systemd *s, const char *unit, const struct unit_properties *props, struct err *err);

/* Reads those properties of the scope UNIT that LIKE names, of the types that their values have there, into RET, as what would set them to what they are: a
 * list after an empty one, which takes away what there is.  Returns 0 or negative errno.  */
int systemd_get (struct systemd *s, const char *unit, const struct unit_properties *like, struct unit_properties *ret, struct err *err);

/* Lets systemd move process PID into the cgroup of UNIT, or the one at BELOW ("/a"; "" for none) in it.  Returns 0 or negative errno.  */
int systemd_attach (struct systemd *s, const char *unit, const char *below, pid_t pid, struct err *err);

#endif
