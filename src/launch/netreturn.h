/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to do for network devices of a create that was killed. */
#ifndef ORLOP_LAUNCH_NETRETURN_H
#define ORLOP_LAUNCH_NETRETURN_H

struct record;

/* Brings network devices back that a killed create may have moved into a namespace which others hold (linux.namespaces[].path): those
 * that the host lacks and that are there under the name that they were to have.  A namespace made for the container is gone with it: then the kernel
 * has returned the physical ones, and the virtual ones are gone.  What cannot be brought back stays.  Parent only.  */
void netreturn (const struct record *rec);

#endif
