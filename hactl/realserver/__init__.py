"""The real server's side of direct routing and tunnelling: VIPs, ARP hiding, decapsulation, from the same hactl.yaml."""
