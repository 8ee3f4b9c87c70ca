INSERT INTO products (name, price_cents) VALUES
    ('Espresso cup', 1250),
    ('Moka pot', 3490),
    ('Hand grinder', 8900),
    ('Paper filters', 490),
    ('Gooseneck kettle', 6450);
