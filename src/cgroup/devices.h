/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: device rules.  */
#ifndef ORLOP_CGROUP_DEVICES_H
#define ORLOP_CGROUP_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/devbpf.h" /* struct devbpf_rule */

struct cgroup;
struct err;
struct oci_resources;

/* Rules in order, of which the last that matches decides.  */
struct device_rules
{
  struct devbpf_rule *rules; /* owned; freed with free(3) */
  size_t n;
  bool allow; /* what no rule matches */
};

/* Makes the whole list from linux.resources.devices of R (may be NULL): denied is everything at first, as runc has it; then come
 * the document's rules in their order, then what every container may use.  A rule for all devices and every
 * access makes those before it void.  Returns 0, -EINVAL with the JSON path for a rule that cannot be, or -ENOMEM.  */
int cgroup_device_rules (const struct oci_resources *r, struct device_rules *ret_rules, struct err *err);

/* True if the rules let everything pass.  */
bool cgroup_device_rules_open (const struct device_rules *rules);

/* Brings the rules into the form of cgroup v1, in place: what is not mentioned is allowed or denied, and all that is left are exceptions
 * from that.  Rules of which v1 would make something else, such as a denied device among allowed ones of
 * the same major number, are -EINVAL (ERR_SPEC): to pass them over would be to allow what was denied.  */
int cgroup_device_rules_reduce (struct device_rules *rules, struct err *err);

/* Writes the device rules of R and the default ones: on v1 into the files of the devices controller, on v2 as a program
 * attached to the cgroup whose directory is FD (-1: opened here).  Does nothing for a rootless cgroup: neither is allowed there, and devices
 * of such a container are binds of those its user may use anyway.  Returns 0 or negative errno with the JSON path in ERR.  */
int cgroup_devices_write (const struct cgroup *cg, const struct oci_resources *r, int fd, struct err *err);

#endif
