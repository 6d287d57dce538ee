"""What an agent may do in the world: actions over files and tools, and who may do them."""
