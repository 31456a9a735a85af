"""The engine as a command: stdout is data, stderr is narration, exit codes are an interface."""
