"""When a client that was refused may come again: later, the more were refused of late. Pure.

Source: k8s.io/apiserver/pkg/util/flowcontrol/dropped_requests_tracker.go.
"""

MOST_SECONDS = 32
TOO_MANY = 3  # refusals a second of waiting, beyond which the waiting grows


class RetryAfter:
    def __init__(self) -> None:
        self.seconds = 1
        self._since, self._refused = 0.0, 0

    def refuse(self, now: float) -> int:
        """One more was refused; how many seconds it is told to wait."""
        if now - self._since >= self.seconds:
            if self._refused >= TOO_MANY * self.seconds:
                self.seconds = min(self.seconds + 1, MOST_SECONDS)
            elif self._refused < self.seconds and self.seconds > 1:
                self.seconds -= 1
            self._since, self._refused = now, 0
        self._refused += 1
        return self.seconds
