/* SPDX-License-Identifier: Apache-2.0 */
/* What network interfaces have carried, as /proc/PID/net/dev tells of the network namespace of PID (proc(5)). */
#ifndef ORLOP_KERNEL_NETSTAT_H
#define ORLOP_KERNEL_NETSTAT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* One interface.  Its name may be any bytes but space, '/' and ':' (dev_valid_name of the kernel), not only UTF-8.  */
struct netstat
{
  char name[16];
  uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped;
};

/* Reads the text of such a file.  *RET_LIST is freed by the caller with free(3).  Lines that are no interface's are passed over.
 * Returns 0 or -ENOMEM.  */
int netstat_parse (const char *text, struct netstat **ret_list, size_t *ret_n);

/* Reads those of the process PID that started at STARTTIME (kernel/pid.h), by a handle of its directory in /proc that is checked to be its own.  One
 * that is in our own network namespace has none: what the machine carries is not its use.  *RET_LIST as above.
 * Returns 0; -ESRCH: the process is gone; or negative errno.  */
int netstat_of (pid_t pid, uint64_t starttime, struct netstat **ret_list, size_t *ret_n, struct err *err);

#endif
