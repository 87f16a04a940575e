/* SPDX-License-Identifier: Apache-2.0 */
/* The child program, orlop-init, as bytes inside the library.  */
#ifndef ORLOP_LAUNCH_INIT_IMAGE_H
#define ORLOP_LAUNCH_INIT_IMAGE_H

/* First byte of the ELF file, and the byte after its last one.  Defined by init_image.S.  */
extern const char orlop_init_image_start[], orlop_init_image_end[];

#endif
