"""The server of the built page: static files with the types and headers that WebAssembly needs."""
