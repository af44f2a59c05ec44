cat ../data/raw.txt > raw.out
