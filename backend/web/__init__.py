"""Pages for people, rendered here and working without JavaScript; HTML is never served on a company's host."""
