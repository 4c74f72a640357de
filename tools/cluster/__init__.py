"""Questions to a Kubernetes cluster: what is there, what happened, what is wrong. Read only; live; secrets never shown."""
