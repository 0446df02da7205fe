/* Words of the TUN device's offloads that the headers of older systems do not have.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_VNET_H
#define LINUX_NET_VNET_H

#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#endif
