"""The smallest installation there is, as people write it: one destination, which nobody reaches, and one feed."""

AGENT = """\
version: 1
drop: ../drop
state: ../state
destinations:
  impact:
    type: sftp
    host: sftp.example.net
    username: acme
    password: {env: SFTP_PASSWORD}
    host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2MdN7uI3o8bUuRkmf6ejqDgkFXBsRxTVXNPdVpULxV"]
"""
FEED = """\
name: returns
pattern: "*.csv"
level: item
template: online-retail-returns.csv.j2
variables: {action_tracker_id: "16027"}
destination: impact
settle: 0s
"""
