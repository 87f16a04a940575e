/* SPDX-License-Identifier: Apache-2.0 */
/* Inside this room: device rules.  */
#ifndef ORLOP_CGROUP_DEVICES_H
#define ORLOP_CGROUP_DEVICES_H

struct cgroup;
struct err;
struct oci_resources;

/* Writes the device rules of R (may be NULL) and the default ones: on v1 into the files of the devices controller, on v2 as a program
 * attached to the cgroup whose directory is FD.  Returns 0 or negative errno with the JSON path in ERR.  */
int cgroup_devices_write (const struct cgroup *cg, const struct oci_resources *r, int fd, struct err *err);

#endif
