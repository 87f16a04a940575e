/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to routing sockets and their answers; see netlink.h.  Parent only. */
#include "kernel/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum
{
  /* The kernel fills at most 32 KiB with one part of a long answer.  */
  ANSWER_SIZE = 32 * 1024,
  /* One request is in the air at a time, and all its answers are taken: they need no other number.  */
  SEQUENCE = 1
};

void
netlink_begin (struct netlink_message *m, uint16_t type, uint16_t flags, const void *family, size_t size)
{
  memset (m, 0, sizeof *m);
  m->head = (struct nlmsghdr){ .nlmsg_len = (uint32_t) NLMSG_LENGTH (size), .nlmsg_type = type,
                               .nlmsg_flags = (uint16_t) (flags | NLM_F_REQUEST), .nlmsg_seq = SEQUENCE };
  memcpy (NLMSG_DATA (&m->head), family, size);
}

int
netlink_add (struct netlink_message *m, uint16_t type, const void *value, size_t size)
{
  size_t at = NLMSG_ALIGN (m->head.nlmsg_len);
  struct nlattr attr = { .nla_len = (uint16_t) (NLA_HDRLEN + size), .nla_type = type };

  if (size > sizeof m->bytes || at + NLA_HDRLEN + size > sizeof m->bytes)
    return -E2BIG;
  memcpy (m->bytes + at, &attr, sizeof attr);
  memcpy (m->bytes + at + NLA_HDRLEN, value, size);
  m->head.nlmsg_len = (uint32_t) (at + NLA_HDRLEN + size);
  return 0;
}

const void *
netlink_find (const struct nlmsghdr *answer, size_t family_size, uint16_t type, size_t *ret_size)
{
  const char *bytes = (const char *) answer;
  size_t at = NLMSG_SPACE (family_size);
  struct nlattr attr;

  for (; at + NLA_HDRLEN <= answer->nlmsg_len; at += NLA_ALIGN (attr.nla_len))
    {
      memcpy (&attr, bytes + at, sizeof attr);
      if (attr.nla_len < NLA_HDRLEN || attr.nla_len > answer->nlmsg_len - at)
        return NULL;
      if ((attr.nla_type & NLA_TYPE_MASK) != type)
        continue;
      *ret_size = attr.nla_len - NLA_HDRLEN;
      return bytes + at + NLA_HDRLEN;
    }
  return NULL;
}

/* Looks at one answer.  Returns 1 to go on, 0 at the end, or negative errno; *IN_OUT_RET is the first thing that TAKE said.  */
static int
look_at (const struct nlmsghdr *answer, netlink_taker *take, void *data, int *in_out_ret)
{
  int error;

  if (answer->nlmsg_type == NLMSG_DONE)
    return 0;
  if (answer->nlmsg_type == NLMSG_ERROR)
    {
      if (answer->nlmsg_len < NLMSG_LENGTH (sizeof error))
        return -EPROTO;
      memcpy (&error, NLMSG_DATA (answer), sizeof error);
      return error;
    }
  if (take && *in_out_ret == 0)
    *in_out_ret = take (data, answer);
  return 1;
}

/* Looks at the answers in one packet of LEN bytes.  Returns as look_at.  */
static int
look_at_all (const char *bytes, size_t len, netlink_taker *take, void *data, int *in_out_ret)
{
  const struct nlmsghdr *answer = (const void *) bytes;
  int more = 1;

  for (; more == 1 && NLMSG_OK (answer, len); answer = NLMSG_NEXT (answer, len))
    if (answer->nlmsg_seq == SEQUENCE)
      more = look_at (answer, take, data, in_out_ret);
  return more;
}

int
netlink_talk (int sock, struct netlink_message *m, netlink_taker *take, void *data)
{
  char bytes[ANSWER_SIZE] __attribute__ ((aligned (NLMSG_ALIGNTO)));
  struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
  int more = 1, ret = 0;

  if ((m->head.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP) /* two bits, of which one is NLM_F_REPLACE elsewhere */
    m->head.nlmsg_flags |= NLM_F_ACK;
  if (sendto (sock, m, m->head.nlmsg_len, 0, (struct sockaddr *) &kernel, sizeof kernel) < 0)
    return -errno;
  while (more == 1)
    {
      socklen_t size = sizeof kernel;
      ssize_t len = recvfrom (sock, bytes, sizeof bytes, 0, (struct sockaddr *) &kernel, &size);

      if (len < 0 && errno == EINTR)
        continue;
      if (len < 0)
        return -errno;
      if (kernel.nl_pid != 0) /* another process may send to us; only the kernel is 0 */
        continue;
      more = look_at_all (bytes, (size_t) len, take, data, &ret);
    }
  return more < 0 ? more : ret;
}
