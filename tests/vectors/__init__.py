"""Golden vectors: messages whose octets and answers never change, and the test that reads them."""
