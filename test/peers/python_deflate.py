"""permessage-deflate as Python's websockets have it in use, in the words of RFC 7692."""


def in_force(socket, role):
    """What a connection of that role uses; windows of 15 bits go without saying."""
    elements = []
    for extension in socket.extensions:
        ends = {"client": "local", "server": "remote"}
        if role == "server":
            ends = {"client": "remote", "server": "local"}
        parameters = [extension.name]
        for owner, end in ends.items():
            if getattr(extension, f"{end}_no_context_takeover"):
                parameters.append(f"{owner}_no_context_takeover")
            bits = getattr(extension, f"{end}_max_window_bits")
            if bits != 15:
                parameters.append(f"{owner}_max_window_bits={bits}")
        elements.append("; ".join(parameters))
    return ", ".join(elements)
