"""The physics: many environments stepped as rows of one state array, natively and in WebAssembly."""
