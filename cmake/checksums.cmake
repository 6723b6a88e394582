# cmake -DOUTPUT=FILE "-DSOURCES=A;B" -P checksums.cmake: a line "SHA-256  NAME" for each source, names without folders, of the text with Unix line ends:
# what KernelSources.Checksums says of the sources that the engine carries.
set(lines "")
foreach(source IN LISTS SOURCES)
  cmake_path(GET source FILENAME name)
  file(READ ${source} text)
  string(REPLACE "\r\n" "\n" text "${text}")
  string(SHA256 checksum "${text}")
  list(APPEND lines "${checksum}  ${name}\n")
endforeach()
list(SORT lines)
string(CONCAT text ${lines})
file(WRITE ${OUTPUT} "${text}")
