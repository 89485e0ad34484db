"""Nothing lost, nothing twice: true processes under faults, judged by an independent checker."""
