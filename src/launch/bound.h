/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the host that are bound into a container. */
#ifndef ORLOP_LAUNCH_BOUND_H
#define ORLOP_LAUNCH_BOUND_H

struct log;
struct plan;

/* Warns of each device of the document that the container will see with another mode or owner than its fileMode, uid and gid say: what is bound is the
 * host's node, which is not ours to change.  Costs a call for each device that has one of these, if warnings are logged at all.  */
void bound_warn (const struct plan *plan, const struct log *log);

#endif
