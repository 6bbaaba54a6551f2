"""The parts of `medconsult load`: pieces to read, records to write, a journal, a progress line."""
