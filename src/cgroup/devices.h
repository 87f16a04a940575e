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

/* Puts the device rules of R and the default ones in the place of those that a cgroup in use has: on v2 in one step; on v1, where each exception is
 * a write of its own, so that what is allowed before and after is allowed all the time (but not where all that is not mentioned changes sides),
 * and on failure as it was.  Returns as cgroup_devices_write.  */
int cgroup_devices_update (const struct cgroup *cg, const struct oci_resources *r, struct err *err);

/* Reads what devices.list of v1 says into RET_RULES: exceptions from a denial of everything, or that everything is allowed.  Pure.  Returns 0, -EPROTO
 * for a text that is none, or -ENOMEM.  */
int cgroup_device_rules_parse (const char *list, struct device_rules *ret_rules);

/* What has to be denied when of the exceptions OLD those of NEW alone are to be left, both from a denial of everything: into RET_RULES.  Pure.  Returns 0 or -ENOMEM.  */
int cgroup_device_rules_surplus (const struct device_rules *old, const struct device_rules *new_rules, struct device_rules *ret_rules);

#endif
