"""What a hub does in the background: acting on events, delivering, upkeep. `process` puts it together.

The processes that answer requests are started in `server`.
"""
