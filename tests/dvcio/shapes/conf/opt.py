BATCH = 8


class Train:
    momentum = 0.9
