/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a whole file into memory; see file.h.  Not child-safe. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/own.h"

enum
{
  FIRST_SIZE = 4096 /* of kernel files, which say that they are empty */
};

/* Reads to the end, or, where the size is KNOWN to be one less than SIZE, until that is there.  */
static ssize_t
read_all (int fd, size_t size, bool known, size_t max, char **ret_text)
{
  own_mem char *text = malloc (size + 1);
  size_t used = 0;

  while (text)
    {
      ssize_t n = read (fd, text + used, size - used);
      char *bigger;

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -errno;
      used += (size_t) n;
      if (n == 0 || (known && used == size - 1))
        {
          text[used] = '\0';
          *ret_text = take_ptr (text);
          return (ssize_t) used;
        }
      if (used > max)
        return -EFBIG;
      if (used < size)
        continue;
      size = used + used / 2 + 1;
      bigger = realloc (text, size + 1);
      if (bigger == NULL)
        break;
      text = bigger;
    }
  return -ENOMEM;
}

ssize_t
file_read_at (int dirfd, const char *name, size_t max, char **ret_text, struct err *err)
{
  struct stat st;
  ssize_t n;
  /* a FIFO in the place of the file must not block us */
  own_fd int fd = openat (dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

  if (fd < 0)
    return err_sys (err, errno, "openat", "%s", name);
  if (fstat (fd, &st) < 0)
    return err_sys (err, errno, "fstat", "%s", name);
  if (! S_ISREG (st.st_mode))
    return S_ISDIR (st.st_mode) ? err_sys (err, EISDIR, "open", "%s", name)
                                : err_doing (err, err_sys (err, EINVAL, "open", "%s", name), "not a regular file");
  if (st.st_size > 0 && (size_t) st.st_size > max)
    return err_sys (err, EFBIG, "read", "%s", name);
  n = read_all (fd, st.st_size > 0 ? (size_t) st.st_size + 1 : FIRST_SIZE, st.st_size > 0, max, ret_text);
  return n < 0 ? err_sys (err, (int) -n, "read", "%s", name) : n;
}

ssize_t
file_read_stream (int fd, const char *name, size_t max, char **ret_text, struct err *err)
{
  ssize_t n = read_all (fd, FIRST_SIZE, false, max, ret_text);

  return n < 0 ? err_sys (err, (int) -n, "read", "%s", name) : n;
}
