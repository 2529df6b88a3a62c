"""Link types: what the first bytes of a packet are, by number and by name.

DLT_* numbers are what handles and packets carry, with the values of Linux and FreeBSD;
LINKTYPE_* numbers are what files carry. They differ where systems once disagreed. Names and
descriptions are those of libpcap's ``pcap_datalink_val_to_name`` family where it has them;
the numbers are those of https://www.tcpdump.org/linktypes.html.
"""

from __future__ import annotations

from nmpcap.errors import PcapError

DLT_NULL = 0
DLT_EN10MB = 1
DLT_EN3MB = 2
DLT_AX25 = 3
DLT_PRONET = 4
DLT_CHAOS = 5
DLT_IEEE802 = 6
DLT_ARCNET = 7
DLT_SLIP = 8
DLT_PPP = 9
DLT_FDDI = 10
DLT_ATM_RFC1483 = 11
DLT_RAW = 12
DLT_SLIP_BSDOS = 15
DLT_PPP_BSDOS = 16
DLT_ATM_CLIP = 19
DLT_PPP_SERIAL = 50
DLT_PPP_ETHER = 51
DLT_SYMANTEC_FIREWALL = 99
DLT_C_HDLC = 104
DLT_IEEE802_11 = 105
DLT_FRELAY = 107
DLT_LOOP = 108
DLT_ENC = 109
DLT_LINUX_SLL = 113
DLT_LTALK = 114
DLT_PFLOG = 117
DLT_CISCO_IOS = 118
DLT_PRISM_HEADER = 119
DLT_IP_OVER_FC = 122
DLT_SUNATM = 123
DLT_IEEE802_11_RADIO = 127
DLT_TZSP = 128
DLT_ARCNET_LINUX = 129
DLT_JUNIPER_MLPPP = 130
DLT_JUNIPER_MLFR = 131
DLT_JUNIPER_ES = 132
DLT_JUNIPER_GGSN = 133
DLT_JUNIPER_MFR = 134
DLT_JUNIPER_ATM2 = 135
DLT_JUNIPER_SERVICES = 136
DLT_JUNIPER_ATM1 = 137
DLT_APPLE_IP_OVER_IEEE1394 = 138
DLT_MTP2_WITH_PHDR = 139
DLT_MTP2 = 140
DLT_MTP3 = 141
DLT_SCCP = 142
DLT_DOCSIS = 143
DLT_LINUX_IRDA = 144
DLT_USER0 = 147
DLT_USER1 = 148
DLT_USER2 = 149
DLT_USER3 = 150
DLT_USER4 = 151
DLT_USER5 = 152
DLT_USER6 = 153
DLT_USER7 = 154
DLT_USER8 = 155
DLT_USER9 = 156
DLT_USER10 = 157
DLT_USER11 = 158
DLT_USER12 = 159
DLT_USER13 = 160
DLT_USER14 = 161
DLT_USER15 = 162
DLT_IEEE802_11_RADIO_AVS = 163
DLT_JUNIPER_MONITOR = 164
DLT_BACNET_MS_TP = 165
DLT_PPP_PPPD = 166
DLT_JUNIPER_PPPOE = 167
DLT_JUNIPER_PPPOE_ATM = 168
DLT_GPRS_LLC = 169
DLT_GPF_T = 170
DLT_GPF_F = 171
DLT_JUNIPER_PIC_PEER = 174
DLT_ERF_ETH = 175
DLT_ERF_POS = 176
DLT_LINUX_LAPD = 177
DLT_JUNIPER_ETHER = 178
DLT_JUNIPER_PPP = 179
DLT_JUNIPER_FRELAY = 180
DLT_JUNIPER_CHDLC = 181
DLT_MFR = 182
DLT_JUNIPER_VP = 183
DLT_A429 = 184
DLT_A653_ICM = 185
DLT_USB_FREEBSD = 186
DLT_BLUETOOTH_HCI_H4 = 187
DLT_IEEE802_16_MAC_CPS = 188
DLT_USB_LINUX = 189
DLT_CAN20B = 190
DLT_IEEE802_15_4_LINUX = 191
DLT_PPI = 192
DLT_IEEE802_16_MAC_CPS_RADIO = 193
DLT_JUNIPER_ISM = 194
DLT_IEEE802_15_4 = 195
DLT_SITA = 196
DLT_ERF = 197
DLT_RAIF1 = 198
DLT_IPMB_KONTRON = 199
DLT_JUNIPER_ST = 200
DLT_BLUETOOTH_HCI_H4_WITH_PHDR = 201
DLT_AX25_KISS = 202
DLT_LAPD = 203
DLT_PPP_WITH_DIR = 204
DLT_C_HDLC_WITH_DIR = 205
DLT_FRELAY_WITH_DIR = 206
DLT_LAPB_WITH_DIR = 207
DLT_IPMB_LINUX = 209
DLT_FLEXRAY = 210
DLT_MOST = 211
DLT_LIN = 212
DLT_X2E_SERIAL = 213
DLT_X2E_XORAYA = 214
DLT_IEEE802_15_4_NONASK_PHY = 215
DLT_LINUX_EVDEV = 216
DLT_GSMTAP_UM = 217
DLT_GSMTAP_ABIS = 218
DLT_MPLS = 219
DLT_USB_LINUX_MMAPPED = 220
DLT_DECT = 221
DLT_AOS = 222
DLT_WIHART = 223
DLT_FC_2 = 224
DLT_FC_2_WITH_FRAME_DELIMS = 225
DLT_IPNET = 226
DLT_CAN_SOCKETCAN = 227
DLT_IPV4 = 228
DLT_IPV6 = 229
DLT_IEEE802_15_4_NOFCS = 230
DLT_DBUS = 231
DLT_JUNIPER_VS = 232
DLT_JUNIPER_SRX_E2E = 233
DLT_JUNIPER_FIBRECHANNEL = 234
DLT_DVB_CI = 235
DLT_MUX27010 = 236
DLT_STANAG_5066_D_PDU = 237
DLT_JUNIPER_ATM_CEMIC = 238
DLT_NFLOG = 239
DLT_NETANALYZER = 240
DLT_NETANALYZER_TRANSPARENT = 241
DLT_IPOIB = 242
DLT_MPEG_2_TS = 243
DLT_NG40 = 244
DLT_NFC_LLCP = 245
DLT_PFSYNC = 246
DLT_INFINIBAND = 247
DLT_SCTP = 248
DLT_USBPCAP = 249
DLT_RTAC_SERIAL = 250
DLT_BLUETOOTH_LE_LL = 251
DLT_WIRESHARK_UPPER_PDU = 252
DLT_NETLINK = 253
DLT_BLUETOOTH_LINUX_MONITOR = 254
DLT_BLUETOOTH_BREDR_BB = 255
DLT_BLUETOOTH_LE_LL_WITH_PHDR = 256
DLT_PROFIBUS_DL = 257
DLT_PKTAP = 258
DLT_EPON = 259
DLT_IPMI_HPM_2 = 260
DLT_ZWAVE_R1_R2 = 261
DLT_ZWAVE_R3 = 262
DLT_WATTSTOPPER_DLM = 263
DLT_ISO_14443 = 264
DLT_RDS = 265
DLT_USB_DARWIN = 266
DLT_OPENFLOW = 267
DLT_SDLC = 268
DLT_TI_LLN_SNIFFER = 269
DLT_LORATAP = 270
DLT_VSOCK = 271
DLT_NORDIC_BLE = 272
DLT_DOCSIS31_XRA31 = 273
DLT_ETHERNET_MPACKET = 274
DLT_DISPLAYPORT_AUX = 275
DLT_LINUX_SLL2 = 276
DLT_SERCOS_MONITOR = 277
DLT_OPENVIZSLA = 278
DLT_EBHSCR = 279
DLT_VPP_DISPATCH = 280
DLT_DSA_TAG_BRCM = 281
DLT_DSA_TAG_BRCM_PREPEND = 282
DLT_IEEE802_15_4_TAP = 283
DLT_DSA_TAG_DSA = 284
DLT_DSA_TAG_EDSA = 285
DLT_ELEE = 286
DLT_Z_WAVE_SERIAL = 287
DLT_USB_2_0 = 288
DLT_ATSC_ALP = 289
DLT_ETW = 290
DLT_NETANALYZER_NG = 291
DLT_ZBOSS_NCP = 292
DLT_USB_2_0_LOW_SPEED = 293
DLT_USB_2_0_FULL_SPEED = 294
DLT_USB_2_0_HIGH_SPEED = 295
DLT_AUERSWALD_LOG = 296
DLT_ZWAVE_TAP = 297
DLT_SILABS_DEBUG_CHANNEL = 298
DLT_FIRA_UCI = 299
DLT_MDB = 300
DLT_DECT_NR = 301

_NAMES: dict[int, str] = {
    value: name.removeprefix("DLT_") for name, value in globals().items() if name.startswith("DLT_")
}
_VALUES: dict[str, int] = {name: value for value, name in _NAMES.items()}

__all__ = [
    "datalink_name_to_val",
    "datalink_val_to_description",
    "datalink_val_to_description_or_dlt",
    "datalink_val_to_name",
    "dlt_to_linktype",
    "linktype_to_dlt",
]
__all__ += [f"DLT_{name}" for name in _VALUES]

_DESCRIPTIONS = {
    DLT_NULL: "BSD loopback",
    DLT_EN10MB: "Ethernet",
    DLT_EN3MB: "Experimental Ethernet (3 Mb/s)",
    DLT_AX25: "AX.25",
    DLT_PRONET: "ProNET token ring",
    DLT_CHAOS: "Chaosnet",
    DLT_IEEE802: "Token ring",
    DLT_ARCNET: "BSD ARCNET",
    DLT_SLIP: "SLIP",
    DLT_PPP: "PPP",
    DLT_FDDI: "FDDI",
    DLT_ATM_RFC1483: "RFC 1483 LLC-encapsulated ATM",
    DLT_RAW: "Raw IP",
    DLT_SLIP_BSDOS: "BSD/OS SLIP",
    DLT_PPP_BSDOS: "BSD/OS PPP",
    DLT_ATM_CLIP: "Linux Classical IP over ATM",
    DLT_PPP_SERIAL: "PPP over serial",
    DLT_PPP_ETHER: "PPPoE",
    DLT_SYMANTEC_FIREWALL: "Symantec Firewall",
    DLT_C_HDLC: "Cisco HDLC",
    DLT_IEEE802_11: "802.11",
    DLT_FRELAY: "Frame Relay",
    DLT_LOOP: "OpenBSD loopback",
    DLT_ENC: "OpenBSD encapsulated IP",
    DLT_LINUX_SLL: "Linux cooked v1",
    DLT_LTALK: "Localtalk",
    DLT_PFLOG: "OpenBSD pflog file",
    DLT_CISCO_IOS: "Cisco IOS internal frames",
    DLT_PRISM_HEADER: "802.11 plus Prism header",
    DLT_IP_OVER_FC: "RFC 2625 IP-over-Fibre Channel",
    DLT_SUNATM: "Sun raw ATM",
    DLT_IEEE802_11_RADIO: "802.11 plus radiotap header",
    DLT_TZSP: "Tazmen Sniffer Protocol",
    DLT_ARCNET_LINUX: "Linux ARCNET",
    DLT_JUNIPER_MLPPP: "Juniper Multi-Link PPP",
    DLT_JUNIPER_MLFR: "Juniper Multi-Link Frame Relay",
    DLT_JUNIPER_ES: "Juniper Encryption Services PIC",
    DLT_JUNIPER_GGSN: "Juniper GGSN PIC",
    DLT_JUNIPER_MFR: "Juniper FRF.16 Frame Relay",
    DLT_JUNIPER_ATM2: "Juniper ATM2 PIC",
    DLT_JUNIPER_SERVICES: "Juniper Advanced Services PIC",
    DLT_JUNIPER_ATM1: "Juniper ATM1 PIC",
    DLT_APPLE_IP_OVER_IEEE1394: "Apple IP-over-IEEE 1394",
    DLT_MTP2_WITH_PHDR: "SS7 MTP2 with Pseudo-header",
    DLT_MTP2: "SS7 MTP2",
    DLT_MTP3: "SS7 MTP3",
    DLT_SCCP: "SS7 SCCP",
    DLT_DOCSIS: "DOCSIS",
    DLT_LINUX_IRDA: "Linux IrDA",
    DLT_USER0: "Private use 0",
    DLT_USER1: "Private use 1",
    DLT_USER2: "Private use 2",
    DLT_USER3: "Private use 3",
    DLT_USER4: "Private use 4",
    DLT_USER5: "Private use 5",
    DLT_USER6: "Private use 6",
    DLT_USER7: "Private use 7",
    DLT_USER8: "Private use 8",
    DLT_USER9: "Private use 9",
    DLT_USER10: "Private use 10",
    DLT_USER11: "Private use 11",
    DLT_USER12: "Private use 12",
    DLT_USER13: "Private use 13",
    DLT_USER14: "Private use 14",
    DLT_USER15: "Private use 15",
    DLT_IEEE802_11_RADIO_AVS: "802.11 plus AVS radio information header",
    DLT_JUNIPER_MONITOR: "Juniper Passive Monitor PIC",
    DLT_BACNET_MS_TP: "BACnet MS/TP",
    DLT_PPP_PPPD: "PPP for pppd, with direction flag",
    DLT_JUNIPER_PPPOE: "Juniper PPPoE",
    DLT_JUNIPER_PPPOE_ATM: "Juniper PPPoE/ATM",
    DLT_GPRS_LLC: "GPRS LLC",
    DLT_GPF_T: "GPF-T",
    DLT_GPF_F: "GPF-F",
    DLT_JUNIPER_PIC_PEER: "Juniper PIC Peer",
    DLT_ERF_ETH: "Ethernet with Endace ERF header",
    DLT_ERF_POS: "Packet-over-SONET with Endace ERF header",
    DLT_LINUX_LAPD: "Linux vISDN LAPD",
    DLT_JUNIPER_ETHER: "Juniper Ethernet",
    DLT_JUNIPER_PPP: "Juniper PPP",
    DLT_JUNIPER_FRELAY: "Juniper Frame Relay",
    DLT_JUNIPER_CHDLC: "Juniper C-HDLC",
    DLT_MFR: "FRF.16 Frame Relay",
    DLT_JUNIPER_VP: "Juniper Voice PIC",
    DLT_A429: "Arinc 429",
    DLT_A653_ICM: "Arinc 653 Interpartition Communication",
    DLT_USB_FREEBSD: "USB with FreeBSD header",
    DLT_BLUETOOTH_HCI_H4: "Bluetooth HCI UART transport layer",
    DLT_IEEE802_16_MAC_CPS: "IEEE 802.16 MAC Common Part Sublayer",
    DLT_USB_LINUX: "USB with Linux header",
    DLT_CAN20B: "Controller Area Network (CAN) v. 2.0B",
    DLT_IEEE802_15_4_LINUX: "IEEE 802.15.4 with Linux padding",
    DLT_PPI: "Per-Packet Information",
    DLT_IEEE802_16_MAC_CPS_RADIO: "IEEE 802.16 MAC Common Part Sublayer plus radiotap header",
    DLT_JUNIPER_ISM: "Juniper Integrated Service Module",
    DLT_IEEE802_15_4: "IEEE 802.15.4 with FCS",
    DLT_SITA: "SITA pseudo-header",
    DLT_ERF: "Endace ERF header",
    DLT_RAIF1: "Ethernet with u10 Networks pseudo-header",
    DLT_IPMB_KONTRON: "IPMB with Kontron pseudo-header",
    DLT_JUNIPER_ST: "Juniper Secure Tunnel",
    DLT_BLUETOOTH_HCI_H4_WITH_PHDR: "Bluetooth HCI UART transport layer plus pseudo-header",
    DLT_AX25_KISS: "AX.25 with KISS header",
    DLT_LAPD: "LAPD without pseudo-header",
    DLT_PPP_WITH_DIR: "PPP with direction pseudo-header",
    DLT_C_HDLC_WITH_DIR: "Cisco HDLC with direction pseudo-header",
    DLT_FRELAY_WITH_DIR: "Frame Relay with direction pseudo-header",
    DLT_LAPB_WITH_DIR: "LAPB with direction pseudo-header",
    DLT_IPMB_LINUX: "IPMB with Linux/Pigeon Point pseudo-header",
    DLT_FLEXRAY: "FlexRay automotive bus",
    DLT_MOST: "Media Oriented Systems Transport bus",
    DLT_LIN: "Local Interconnect Network bus",
    DLT_X2E_SERIAL: "X2E serial line capture",
    DLT_X2E_XORAYA: "X2E Xoraya data logger",
    DLT_IEEE802_15_4_NONASK_PHY: "IEEE 802.15.4 with non-ASK PHY data",
    DLT_LINUX_EVDEV: "Linux evdev events",
    DLT_GSMTAP_UM: "GSM Um interface with GSMTAP header",
    DLT_GSMTAP_ABIS: "GSM Abis interface with GSMTAP header",
    DLT_MPLS: "MPLS with label as link-layer header",
    DLT_USB_LINUX_MMAPPED: "USB with padded Linux header",
    DLT_DECT: "DECT",
    DLT_AOS: "AOS Space Data Link protocol",
    DLT_WIHART: "Wireless HART",
    DLT_FC_2: "Fibre Channel FC-2",
    DLT_FC_2_WITH_FRAME_DELIMS: "Fibre Channel FC-2 with frame delimiters",
    DLT_IPNET: "Solaris ipnet",
    DLT_CAN_SOCKETCAN: "CAN-bus with SocketCAN headers",
    DLT_IPV4: "Raw IPv4",
    DLT_IPV6: "Raw IPv6",
    DLT_IEEE802_15_4_NOFCS: "IEEE 802.15.4 without FCS",
    DLT_DBUS: "D-Bus",
    DLT_JUNIPER_VS: "Juniper Virtual Server",
    DLT_JUNIPER_SRX_E2E: "Juniper SRX E2E",
    DLT_JUNIPER_FIBRECHANNEL: "Juniper Fibre Channel",
    DLT_DVB_CI: "DVB-CI",
    DLT_MUX27010: "MUX27010",
    DLT_STANAG_5066_D_PDU: "STANAG 5066 D_PDUs",
    DLT_JUNIPER_ATM_CEMIC: "Juniper ATM CEMIC",
    DLT_NFLOG: "Linux netfilter log messages",
    DLT_NETANALYZER: "Ethernet with Hilscher netANALYZER pseudo-header",
    DLT_NETANALYZER_TRANSPARENT: "Ethernet with Hilscher netANALYZER pseudo-header and with preamble and SFD",
    DLT_IPOIB: "RFC 4391 IP-over-Infiniband",
    DLT_MPEG_2_TS: "MPEG-2 transport stream",
    DLT_NG40: "ng40 protocol tester Iub/Iur",
    DLT_NFC_LLCP: "NFC LLCP PDUs with pseudo-header",
    DLT_PFSYNC: "Packet filter state syncing",
    DLT_INFINIBAND: "InfiniBand",
    DLT_SCTP: "SCTP",
    DLT_USBPCAP: "USB with USBPcap header",
    DLT_RTAC_SERIAL: "Schweitzer Engineering Laboratories RTAC packets",
    DLT_BLUETOOTH_LE_LL: "Bluetooth Low Energy air interface",
    DLT_WIRESHARK_UPPER_PDU: "Upper-layer PDUs exported by Wireshark",
    DLT_NETLINK: "Linux netlink",
    DLT_BLUETOOTH_LINUX_MONITOR: "Bluetooth Linux Monitor",
    DLT_BLUETOOTH_BREDR_BB: "Bluetooth Basic Rate/Enhanced Data Rate baseband packets",
    DLT_BLUETOOTH_LE_LL_WITH_PHDR: "Bluetooth Low Energy air interface with pseudo-header",
    DLT_PROFIBUS_DL: "PROFIBUS data link layer",
    DLT_PKTAP: "Apple DLT_PKTAP",
    DLT_EPON: "Ethernet with 802.3 Clause 65 EPON preamble",
    DLT_IPMI_HPM_2: "IPMI trace packets",
    DLT_ZWAVE_R1_R2: "Z-Wave RF profile R1 and R2 packets",
    DLT_ZWAVE_R3: "Z-Wave RF profile R3 packets",
    DLT_WATTSTOPPER_DLM: "WattStopper Digital Lighting Management (DLM) and Legrand Nitoo Open protocol",
    DLT_ISO_14443: "ISO 14443 messages",
    DLT_RDS: "IEC 62106 Radio Data System groups",
    DLT_USB_DARWIN: "USB with Darwin header",
    DLT_OPENFLOW: "OpenBSD DLT_OPENFLOW",
    DLT_SDLC: "IBM SDLC frames",
    DLT_TI_LLN_SNIFFER: "TI LLN sniffer frames",
    DLT_LORATAP: "LoRa with LoRaTap header",
    DLT_VSOCK: "Linux vsock",
    DLT_NORDIC_BLE: "Nordic Semiconductor Bluetooth LE sniffer frames",
    DLT_DOCSIS31_XRA31: "Excentis XRA-31 DOCSIS 3.1 RF sniffer frames",
    DLT_ETHERNET_MPACKET: "802.3br mPackets",
    DLT_DISPLAYPORT_AUX: "DisplayPort AUX channel monitoring data",
    DLT_LINUX_SLL2: "Linux cooked v2",
    DLT_SERCOS_MONITOR: "Sercos monitor",
    DLT_OPENVIZSLA: "OpenVizsla USB",
    DLT_EBHSCR: "Elektrobit High Speed Capture and Replay (EBHSCR)",
    DLT_VPP_DISPATCH: "VPP graph dispatch tracer",
    DLT_DSA_TAG_BRCM: "Broadcom tag",
    DLT_DSA_TAG_BRCM_PREPEND: "Broadcom tag (prepended)",
    DLT_IEEE802_15_4_TAP: "IEEE 802.15.4 with pseudo-header",
    DLT_DSA_TAG_DSA: "Marvell DSA",
    DLT_DSA_TAG_EDSA: "Marvell EDSA",
    DLT_ELEE: "ELEE lawful intercept packets",
    DLT_Z_WAVE_SERIAL: "Z-Wave serial frames between host and chip",
    DLT_USB_2_0: "USB 2.0/1.1/1.0 as transmitted over the cable",
    DLT_ATSC_ALP: "ATSC Link-Layer Protocol packets",
    DLT_ETW: "Event Tracing for Windows messages",
    DLT_NETANALYZER_NG: "Hilscher netANALYZER NG frames",
    DLT_ZBOSS_NCP: "ZBOSS NCP serial protocol with pseudo-header",
    DLT_USB_2_0_LOW_SPEED: "Low-Speed USB 2.0/1.1/1.0 as transmitted over the cable",
    DLT_USB_2_0_FULL_SPEED: "Full-Speed USB 2.0/1.1/1.0 as transmitted over the cable",
    DLT_USB_2_0_HIGH_SPEED: "High-Speed USB 2.0 as transmitted over the cable",
    DLT_AUERSWALD_LOG: "Auerswald logger protocol",
    DLT_ZWAVE_TAP: "Z-Wave packets with TAP metadata header",
    DLT_SILABS_DEBUG_CHANNEL: "Silicon Labs debug channel protocol",
    DLT_FIRA_UCI: "FiRa UWB controller interface protocol",
    DLT_MDB: "Multi-Drop Bus of vending machines",
    DLT_DECT_NR: "DECT-2020 New Radio MAC layer",
}

# The types whose numbers differ; every other type from 0 to 10 and from 104 on has one number.
_RENUMBERED = {
    DLT_ATM_RFC1483: 100,
    DLT_RAW: 101,
    DLT_SLIP_BSDOS: 102,
    DLT_PPP_BSDOS: 103,
    DLT_ATM_CLIP: 106,
}
_RENUMBERED_BACK = {linktype: dlt for dlt, linktype in _RENUMBERED.items()}
_SAME_IN_THE_SYSTEMS_OWN_RANGE = (DLT_PPP_SERIAL, DLT_PPP_ETHER, DLT_SYMANTEC_FIREWALL)


def datalink_name_to_val(name: str) -> int:
    """Return the DLT of a name such as ``EN10MB``, in upper or lower case, with or without ``DLT_``.

    Raises PcapError for a name that is not known (libpcap: -1).
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a link type must be a str, not {type(name).__name__}")
    try:
        return _VALUES[name.upper().removeprefix("DLT_")]
    except KeyError:
        raise PcapError(f"invalid data link type {name}") from None


def datalink_val_to_name(dlt: int) -> str | None:
    """Return the name of a DLT without ``DLT_``; None where it has none."""
    return _NAMES.get(dlt)


def datalink_val_to_description(dlt: int) -> str | None:
    """Return a few words on what a DLT is; None where it is not known."""
    return _DESCRIPTIONS.get(dlt)


def datalink_val_to_description_or_dlt(dlt: int) -> str:
    """Return a few words on what a DLT is, or ``DLT n``."""
    return _DESCRIPTIONS.get(dlt, f"DLT {dlt}")


def dlt_to_linktype(dlt: int) -> int:
    """Return the number that files use for a DLT.

    Raises PcapError where there is none: numbers from 11 to 103 meant something else on each system.
    """
    if dlt in _RENUMBERED:
        return _RENUMBERED[dlt]
    if 0 <= dlt <= DLT_FDDI or DLT_C_HDLC <= dlt <= 0xFFFF or dlt in _SAME_IN_THE_SYSTEMS_OWN_RANGE:
        return dlt
    raise PcapError(f"link-layer type {dlt} isn't supported in savefiles")


def linktype_to_dlt(linktype: int) -> int:
    """Return the DLT of a number found in a file: itself where nothing else is known of it."""
    return _RENUMBERED_BACK.get(linktype, linktype)
