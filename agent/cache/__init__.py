"""What need not be thought or asked twice: replies, tool results, finished investigations. Never decides anything."""
